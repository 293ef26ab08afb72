import { useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import './main.css';
import { createSession } from './session.js';
import { starterTabs } from './tabs.js';

// Status says as whom the playground asks.
function Status({ session }) {
  const viewer = useSyncExternalStore(session.subscribe, session.viewer);
  return (
    <span className="status">
      <span role="status">{viewer ? `Signed in${viewer.username ? ` as ${viewer.username}` : ''}` : 'Nobody is signed in'}</span>
      {viewer && (
        <button type="button" onClick={session.signOut}>
          Sign out
        </button>
      )}
    </span>
  );
}

// Playground is GraphiQL without any storage: what is typed there, passwords and tokens among it, is gone with the page.
function Playground({ session }) {
  return (
    <GraphiQL
      fetcher={session.fetcher}
      defaultTabs={starterTabs}
      variables={starterTabs[0].variables} // GraphiQL opens the first tab without its own
      defaultEditorToolsVisibility="variables"
      storage={null}
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>
        <Status session={session} />
      </GraphiQL.Logo>
    </GraphiQL>
  );
}

const root = document.getElementById('playground');
createRoot(root).render(<Playground session={createSession(root.dataset.endpoint)} />);
