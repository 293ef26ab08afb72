import { useRef, useState, useSyncExternalStore } from 'react';
import { people } from './tabs.js';

// Status shows who is signed in, and signs in and out.
export function Status({ session }) {
  const viewer = useSyncExternalStore(session.subscribe, session.viewer);
  const dialog = useRef(null);
  return (
    <div className="status">
      <span role="status">{who(viewer)}</span>
      {viewer && (
        <button type="button" className="own-button" onClick={session.signOut}>
          Sign out
        </button>
      )}
      {viewer === null && (
        <button type="button" className="own-button" onClick={() => dialog.current.showModal()}>
          Sign in
        </button>
      )}
      <dialog ref={dialog} className="sign-in" aria-labelledby="sign-in">
        <SignIn session={session} close={() => dialog.current.close()} />
      </dialog>
    </div>
  );
}

function who(viewer) {
  if (viewer === undefined) {
    return '';
  }
  return viewer ? `Signed in${viewer.username ? ` as ${viewer.username}` : ''}` : 'Not signed in';
}

function SignIn({ session, close }) {
  const [typed, setTyped] = useState({ email: '', password: '' });
  const [problem, setProblem] = useState('');
  const type = ({ target }) => setTyped({ ...typed, [target.name]: target.value });

  async function submit(event) {
    event.preventDefault();
    const refused = await session.signIn(typed);
    setProblem(refused);
    if (!refused) {
      setTyped({ email: '', password: '' });
      close();
    }
  }

  return (
    <form onSubmit={submit}>
      <h2 id="sign-in">Sign in</h2>
      <p>
        The story’s accounts exist once you have run their sign-ups:{' '}
        {Object.entries(people).map(([name, account]) => (
          <button type="button" className="own-button" key={name} onClick={() => setTyped(account)}>
            {name}
          </button>
        ))}
      </p>
      <label>
        Email <input name="email" type="email" autoComplete="off" required value={typed.email} onChange={type} />
      </label>
      <label>
        Password <input name="password" type="password" autoComplete="off" required value={typed.password} onChange={type} />
      </label>
      <p role="alert">{problem}</p>
      <button type="submit" className="own-button">
        Sign in
      </button>{' '}
      <button type="button" className="own-button" onClick={close}>
        Cancel
      </button>
    </form>
  );
}
