import { useSyncExternalStore } from 'react';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import 'graphiql/style.css';
import './main.css';
import { Denials } from './denials.jsx';
import { createExplainer } from './explain.js';
import { createSession } from './session.js';
import { starterTabs } from './tabs.js';

function who(viewer) {
  if (viewer === undefined) {
    return '';
  }
  return viewer ? `Signed in${viewer.username ? ` as ${viewer.username}` : ''}` : 'Nobody is signed in';
}

// Status says as whom the playground asks.
function Status({ session }) {
  const viewer = useSyncExternalStore(session.subscribe, session.viewer);
  return (
    <span className="status">
      <span role="status">{who(viewer)}</span>
      {viewer && (
        <button type="button" onClick={session.signOut}>
          Sign out
        </button>
      )}
    </span>
  );
}

// MatrixLink opens another tab of the browser, since whatever is typed and whoever is signed in here is gone with the page.
function MatrixLink() {
  return (
    <a href="/playground/access" target="_blank" rel="noopener">
      Access matrix
    </a>
  );
}

// Playground is GraphiQL without any storage: what is typed there, passwords and tokens among it, is gone with the page.
function Playground({ session, explainer }) {
  return (
    <GraphiQL
      fetcher={explainer.fetcher}
      defaultTabs={starterTabs}
      variables={starterTabs[0].variables} // GraphiQL opens the first tab without its own
      defaultEditorToolsVisibility="variables"
      storage={null}
      shouldPersistHeaders={false}
    >
      <GraphiQL.Logo>
        <div className="corner">
          <MatrixLink />
          <Status session={session} />
        </div>
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <Denials explainer={explainer} />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

const root = document.getElementById('playground');
const session = createSession(root.dataset.endpoint);
createRoot(root).render(<Playground session={session} explainer={createExplainer(session.fetcher)} />);
