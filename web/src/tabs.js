// The starter tabs tell a story: run them from left to right, on an empty database. They use Ada and Ben, since the README
// uses Ann and Bob: you can follow either of them first.

// The playground is a page of the service's own origin, so it lets the browser hold the session in cookies.
export const people = {
  Ada: { email: 'ada@example.org', password: 'correct horse battery' },
  Ben: { email: 'ben@example.org', password: 'paper clip stapler' },
};
const ada = { ...people.Ada, session: 'COOKIE' };
const ben = { ...people.Ben, session: 'COOKIE' };

// step returns a starter tab. says is what the page shows above it.
function step(says, query, variables) {
  return { says, query: query.trimStart(), variables: variables && JSON.stringify(variables, null, 2) };
}

export const starterTabs = [
  step(
    'Ada signs up. Run it: you are then signed in as Ada. Her profile is private at first.',
    `
# Taken? Edit the variables below, or sign in.
mutation SignUp($input: SignUpInput!) {
  signUp(input: $input) {
    user {
      id
      profile {
        username
        visibility
      }
    }
  }
}
`,
    { input: { ...ada, username: 'ada', profile: { displayName: 'Ada', birthday: '1970-12-31' } } },
  ),
  step(
    'Ada reads her own private fields. Only she can read her email address and her birthday.',
    `
query Me {
  me {
    email
    emailVerified
    profile {
      username
      displayName
      birthday
      visibility
    }
  }
}
`,
  ),
  step(
    'Ben signs up. You are then signed in as Ben.',
    `
mutation SignUpBen($input: SignUpInput!) {
  signUp(input: $input) {
    user {
      profile {
        username
        visibility
      }
    }
  }
}
`,
    { input: { ...ben, username: 'ben' } },
  ),
  step(
    'Ben looks at Ada’s profile, and gets null. Below the result you read why: her profile is private.',
    `
query TryAnothers($username: String!) {
  profile(username: $username) {
    username
    displayName
    bio
    birthday
    user {
      email
    }
  }
}
`,
    { username: 'ada' },
  ),
  step(
    'Ada signs in again. Cookies hold her session, so it survives a reload.',
    `
# The button at the top right does the same.
mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    user {
      profile {
        username
      }
    }
  }
}
`,
    { input: ada },
  ),
  step(
    'Ada makes her profile public.',
    `
# Omitted fields keep their values. Null clears a field.
mutation MakePublic($input: UpdateProfileInput!) {
  updateProfile(input: $input) {
    profile {
      username
      displayName
      bio
      visibility
    }
  }
}
`,
    { input: { visibility: 'PUBLIC', bio: 'First to sign up.' } },
  ),
  step(
    'Sign out or sign in as Ben, then look again. The profile is public, but her birthday and email address are still refused.',
    `
query LookAgain($username: String!) {
  profile(username: $username) {
    username
    displayName
    bio
    birthday
    user {
      email
    }
  }
}
`,
    { username: 'ada' },
  ),
  step(
    'Ada verifies her email address. After you run this, open Mail (at the top) and copy the code.',
    `
mutation RequestCode($input: RequestEmailVerificationInput!) {
  requestEmailVerification(input: $input) {
    success
  }
}
`,
    { input: { email: ada.email } },
  ),
  step(
    'Enter the code in the variables, and run it.',
    `
# To set a new password instead, use
# requestPasswordReset and resetPassword.
mutation VerifyEmail($input: VerifyEmailInput!) {
  verifyEmail(input: $input) {
    user {
      email
      emailVerified
    }
  }
}
`,
    { input: { email: ada.email, code: 'XXXX-XXXX', session: 'COOKIE' } },
  ),
];
