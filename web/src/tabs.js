// The starter tabs tell a story: run them from left to right, on an empty database. Ada and Ben are not the README's Ann
// and Bob, so that either can be followed first.

// The playground is a page of the service's own origin, so it lets the browser hold the session in cookies.
const ada = { email: 'ada@example.org', password: 'correct horse battery', session: 'COOKIE' };
const ben = { email: 'ben@example.org', password: 'paper clip stapler', session: 'COOKIE' };

const variables = (value) => JSON.stringify(value, null, 2);

export const starterTabs = [
  {
    query: `# Ada signs up: press play. The playground then
# asks as Ada (top right). Go on to the next tab.
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
    query: `# Ada reads what is hers. E-mail and birthday are
# for her alone, although her profile is public.
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
    query: `# Ada changes her profile. What is absent is
# kept, what is null is cleared.
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
    query: `# Ben signs up, and the playground asks as Ben.
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
    query: `# Ben sees Ada's profile, since it is public. Her
# e-mail and birthday are refused: FORBIDDEN.
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
    query: `# Ada comes back. Her session is in cookies, so a
# reload keeps it.
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
    query: `# Ada proves her address. The code is in her mail:
# Mail, top right.
mutation RequestCode($input: RequestEmailVerificationInput!) {
  requestEmailVerification(input: $input) {
    success
  }
}
`,
    variables: variables({ input: { email: ada.email } }),
  },
  {
    query: `# Enter the code below. For a new password there
# are requestPasswordReset and resetPassword.
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
