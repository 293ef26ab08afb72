const WHO_AM_I = 'query WhoAmI { me { profile { username } } }';
const SIGN_OUT = 'mutation SignOut { signOut { success } }';

// createSession returns a GraphiQL fetcher that signs in by itself: it notices the access token in the answer of any
// operation, and sends it from then on. The token is kept in this closure only, so that a reload forgets it and nothing
// that reads the browser's storage finds it.
export function createSession(endpoint) {
  let viewer = null; // { token, username }; username is undefined until the service has told it
  const listeners = new Set();

  function become(next) {
    viewer = next;
    listeners.forEach((listener) => listener());
  }

  async function post(operation, headers) {
    const response = await fetch(endpoint, { method: 'POST', headers, body: JSON.stringify(operation) });
    return response.json();
  }

  function postAs({ token }, query) {
    return post({ query }, { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` });
  }

  // identify asks the service who the viewer is, and forgets a token that is nobody's any more.
  async function identify(asked) {
    const { data } = await postAs(asked, WHO_AM_I);
    if (viewer === asked && data) {
      become(data.me && { ...asked, username: data.me.profile?.username });
    }
  }

  async function fetcher(operation, { headers: typed } = {}) {
    const headers = new Headers(typed);
    headers.set('Content-Type', 'application/json');
    if (viewer && !headers.has('Authorization')) { // the headers editor wins
      headers.set('Authorization', `Bearer ${viewer.token}`);
    }
    const answer = await post(operation, headers);
    const token = accessToken(answer);
    if (token) {
      become({ token });
    }
    if (viewer && (token || isDoubtful(answer))) {
      identify(viewer).catch(() => {}); // the status stays as it is; the answer matters more
    }
    return answer;
  }

  // signOut ends the session in the service too, since its tokens may still stand in the response pane.
  async function signOut() {
    const leaving = viewer;
    become(null);
    await postAs(leaving, SIGN_OUT).catch(() => {}); // forgotten here in any case
  }

  return {
    fetcher,
    signOut,
    viewer: () => viewer,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

// accessToken returns the token of the last payload that has one, whatever the document calls that payload.
function accessToken({ data }) {
  return payloads(data).findLast((payload) => payload?.tokens?.accessToken)?.tokens.accessToken;
}

// isDoubtful tells whether an answer may mean that the session has ended: a sign-out, a refusal, or a null such as that
// of `me` for nobody.
function isDoubtful({ data, errors }) {
  return (
    errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED') ||
    payloads(data).some((payload) => payload === null || payload.success)
  );
}

function payloads(data) {
  return Object.values(data ?? {});
}
