const WHO_AM_I = 'query WhoAmI { me { profile { username } } }';
const SIGN_OUT = 'mutation SignOut { signOut { success } }';

// createSession returns a GraphiQL fetcher, and knows who is signed in. The session is in cookies that no script can
// read, where the starter tabs ask for that; so it outlives a reload, and who it belongs to is for the service to say.
export function createSession(endpoint) {
  let viewer; // undefined until the service has told it, then null or { username }
  let asked = 0;
  const listeners = new Set();

  async function post(operation, headers) {
    const response = await fetch(endpoint, { method: 'POST', credentials: 'same-origin', headers, body: JSON.stringify(operation) });
    return response.json();
  }

  // ask asks as whoever the cookies say.
  function ask(query) {
    return post({ query }, { 'Content-Type': 'application/json' });
  }

  // identify asks the service who the viewer is. Of several answers the one to the last question counts.
  async function identify() {
    const question = ++asked;
    const { data } = await ask(WHO_AM_I);
    if (question === asked && data) {
      viewer = data.me && { username: data.me.profile?.username };
      listeners.forEach((listener) => listener());
    }
  }

  async function fetcher(operation, { headers: typed } = {}) {
    const headers = new Headers(typed); // an Authorization of the headers editor wins over the cookies
    headers.set('Content-Type', 'application/json');
    const answer = await post(operation, headers);
    if (mayChangeViewer(operation, answer)) {
      identify().catch(() => {}); // the status stays as it is; the answer matters more
    }
    return answer;
  }

  async function signOut() {
    await ask(SIGN_OUT).catch(() => {}); // the service then says that nothing has changed
    await identify();
  }

  identify().catch(() => {});

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

// mayChangeViewer tells whether somebody may have signed in or out by an operation, or a session have ended: it is a
// mutation, or was refused, or has a null such as that of `me` for nobody.
function mayChangeViewer({ query }, { data, errors }) {
  return (
    /\bmutation\b/.test(query) ||
    errors?.some((error) => error.extensions?.code === 'UNAUTHENTICATED') ||
    Object.values(data ?? {}).includes(null)
  );
}
