// The starter tabs tell a story: run them from left to right, on an empty database. They use Ada and Ben, since the README
// uses Ann and Bob: you can follow either of them first.

// The playground is a page of the service's own origin, so it lets the browser hold the session in cookies.
const ada = { email: 'ada@example.org', password: 'correct horse battery', session: 'COOKIE' };
const ben = { email: 'ben@example.org', password: 'paper clip stapler', session: 'COOKIE' };

const variables = (value) => JSON.stringify(value, null, 2);

export const starterTabs = [
  {
    query: `# Ada signs up: press play. You are then signed in
# as Ada (top right). Go to the next tab.
# Taken? Edit the variables below, or see SignIn.
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
    variables: variables({
      input: { ...ada, username: 'ada', profile: { displayName: 'Ada', visibility: 'PUBLIC' } },
    }),
  },
  {
    query: `# Ada reads her own data. Only she can read her
# email and birthday: her profile is public.
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
  },
  {
    query: `# Ada updates her profile. Omitted fields keep
# their values. Null clears a field.
mutation UpdateMine($input: UpdateProfileInput!) {
  updateProfile(input: $input) {
    profile {
      username
      displayName
      bio
      birthday
    }
  }
}
`,
    variables: variables({ input: { bio: 'First to sign up.', birthday: '1970-12-31' } }),
  },
  {
    query: `# Ben signs up. You are then signed in as Ben.
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
    variables: variables({ input: { ...ben, username: 'ben' } }),
  },
  {
    query: `# Ben sees Ada's profile: it is public. Her email
# and birthday are refused: FORBIDDEN.
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
    variables: variables({ username: 'ada' }),
  },
  {
    query: `# Ada signs in again. Cookies hold her session, so
# it survives a reload.
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
    variables: variables({ input: ada }),
  },
  {
    query: `# Ada verifies her email address. To find the code,
# open Mail (top right).
mutation RequestCode($input: RequestEmailVerificationInput!) {
  requestEmailVerification(input: $input) {
    success
  }
}
`,
    variables: variables({ input: { email: ada.email } }),
  },
  {
    query: `# Enter the code below. To set a new password, use
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
    variables: variables({ input: { email: ada.email, code: 'XXXX-XXXX', session: 'COOKIE' } }),
  },
];
