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
  return viewer ? `Signed in${viewer.username ? ` as ${viewer.username}` : ''}` : 'Not signed in';
}

// Status shows who is signed in.
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

// TabLink opens another browser tab, so that the text in the playground is not lost.
function TabLink({ href, children }) {
  return (
    <a href={href} target="_blank" rel="noopener">
      {children}
    </a>
  );
}

// Playground is GraphiQL without storage: it forgets passwords and tokens when you close the page.
function Playground({ session, explainer, mailbox }) {
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
          {mailbox && <TabLink href={mailbox}>Mail</TabLink>}
          <TabLink href="/playground/access">Access matrix</TabLink>
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
const explainer = createExplainer(session.fetcher);
createRoot(root).render(<Playground session={session} explainer={explainer} mailbox={root.dataset.mailbox} />);
