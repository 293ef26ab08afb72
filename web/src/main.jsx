import { useEffect, useState } from 'react';
import { createPortal } from 'react-dom';
import { createRoot } from 'react-dom/client';
import { GraphiQL } from 'graphiql';
import { useEditorContext } from '@graphiql/react';
import 'graphiql/style.css';
import './main.css';
import { Denials } from './denials.jsx';
import { keepCurrent } from './document.js';
import { createExplainer } from './explain.js';
import { loadRules, Rules } from './rules.jsx';
import { createSession } from './session.js';
import { Status } from './signin.jsx';
import { Story } from './story.jsx';
import { starterTabs } from './tabs.js';

// Current keeps what GraphiQL knows about its document current.
function Current() {
  const { queryEditor } = useEditorContext();
  useEffect(() => (queryEditor ? keepCurrent(queryEditor) : undefined), [queryEditor]);
  return null;
}

// Playground is GraphiQL without storage: it forgets passwords and tokens when you close the page.
function Playground({ session, explainer }) {
  const [rules, setRules] = useState({ viewers: {}, fields: {} });
  useEffect(() => {
    loadRules().then(setRules, () => {}); // without the rules, the rest works
  }, []);
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
        <Current />
        {createPortal(<Status session={session} />, document.getElementById('session'))}
        {createPortal(<Story />, document.getElementById('story'))}
      </GraphiQL.Logo>
      <GraphiQL.Footer>
        <Rules rules={rules} />
        <Denials explainer={explainer} viewers={rules.viewers} />
      </GraphiQL.Footer>
    </GraphiQL>
  );
}

const root = document.getElementById('playground');
const session = createSession(root.dataset.endpoint);
const explainer = createExplainer(session.fetcher);
createRoot(root).render(<Playground session={session} explainer={explainer} />);
