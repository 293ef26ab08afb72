const WHO_AM_I = 'query WhoAmI { me { profile { username } } }';
const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) { user { id } secondFactor { expiresAt } }
}`;
const SIGN_OUT = 'mutation SignOut { signOut { success } }';

// createSession returns a GraphiQL fetcher, and knows who is signed in. The session is in cookies that no script can read. So
// it survives a reload, and only the service knows whose session it is.
export function createSession(endpoint) {
  let viewer; // undefined until the service has answered, then null or { username }
  let asked = 0;
  const listeners = new Set();

  async function post(operation, headers) {
    const response = await fetch(endpoint, { method: 'POST', credentials: 'same-origin', headers, body: JSON.stringify(operation) });
    return response.json();
  }

  // ask sends a query with the cookies only.
  function ask(query, variables) {
    return post({ query, variables }, { 'Content-Type': 'application/json' });
  }

  // identify asks the service who the viewer is. It ignores all responses except the one to the last request.
  async function identify() {
    const question = ++asked;
    const { data } = await ask(WHO_AM_I);
    if (question === asked && data) {
      viewer = data.me && { username: data.me.profile?.username };
      listeners.forEach((listener) => listener());
    }
  }

  async function fetcher(operation, { headers: typed } = {}) {
    const headers = new Headers(typed); // an Authorization header from the editor takes precedence over the cookies
    headers.set('Content-Type', 'application/json');
    const answer = await post(operation, headers);
    if (mayChangeViewer(operation, answer)) {
      identify().catch(() => {}); // keep the old status, and show the response
    }
    return answer;
  }

  // signIn returns why the service refused, or '' if you are signed in.
  async function signIn({ email, password }) {
    const answer = await ask(SIGN_IN, { input: { email, password, session: 'COOKIE' } }).catch(() => null);
    if (answer?.data?.signIn?.secondFactor) {
      return 'This account has a second factor. Use signIn and finishSecondFactor in the editor.';
    }
    if (!answer?.data?.signIn) {
      return answer?.errors?.[0]?.message ?? 'The service does not respond. Try again.';
    }
    await identify();
    return '';
  }

  async function signOut() {
    await ask(SIGN_OUT).catch(() => {}); // identify then shows that nothing has changed
    await identify();
  }

  identify().catch(() => {});

  return {
    fetcher,
    signIn,
    signOut,
    viewer: () => viewer,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

// mayChangeViewer reports whether an operation may have changed who is signed in: it is a mutation, it was refused, or it has a
// null, such as `me` for an anonymous viewer.
function mayChangeViewer({ query }, { data, errors }) {
  return (
    /\bmutation\b/.test(query) ||
    errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED') ||
    Object.values(data ?? {}).includes(null)
  );
}
