import { useEffect } from 'react';
import { useEditorContext } from '@graphiql/react';

// Denials says beside the result why fields in it were refused. GraphiQL keeps the result of each tab in the tab, and so
// are the denials, with the text they belong to: they are shown as long as the tab shows that.
export function Denials({ explainer }) {
  const { tabs, activeTabIndex, updateActiveTabValues, responseEditor } = useEditorContext();
  useEffect(() => explainer.listen((explained) => updateActiveTabValues({ explained })), [explainer, updateActiveTabValues]);

  const { id, response, explained } = tabs[activeTabIndex];
  const count = explained?.response === response ? explained.denials.length : 0;
  const fit = () => responseEditor?.refresh(); // the editor does not notice that its height has changed
  useEffect(fit, [responseEditor, count]);

  if (count === 0) {
    return null;
  }
  return (
    <details className="denials" open onToggle={fit} key={id}>
      <summary>
        <h2>{count === 1 ? 'Why 1 field was refused' : `Why ${count} fields were refused`}</h2>
      </summary>
      <ol tabIndex={0} aria-label="Refused fields">
        {explained.denials.map((denial, i) => (
          <Denial key={i} {...denial} />
        ))}
      </ol>
    </details>
  );
}

function Denial({ path, field, code, layer, rule, viewer, policy, why }) {
  return (
    <li>
      <p>
        <code className="path">{path.join('.')}</code> <span className="code">{code ?? 'null, without an error'}</span>
      </p>
      <p>{why}</p>
      <dl>
        <dt>refused by</dt>
        <dd>
          {layer === 'rule' ? (
            <>
              the rule <code>{rule}</code> of {field}
            </>
          ) : (
            <>a row policy, which hides the row behind {field}</>
          )}
        </dd>
        {policy && (
          <>
            <dt>row policy</dt>
            <dd>
              <Policy {...policy} isBehind={layer === 'rule'} />
            </dd>
          </>
        )}
        {viewer && (
          <>
            <dt>viewer</dt>
            <dd>{[viewer.username ?? viewer.userId, viewer.kind, viewer.reason].filter(Boolean).join(', ')}</dd>
          </>
        )}
      </dl>
    </li>
  );
}

function Policy({ table, name, command, using, withCheck, admits, isBehind }) {
  return (
    <>
      <code>{name}</code> of <code>{table}</code> for {command}
      {isBehind && admits === false && ', which refuses too'}
      {isBehind && admits === true && ', which would admit'}
      {using && (
        <div>
          USING <code>{using}</code>
        </div>
      )}
      {withCheck && (
        <div>
          WITH CHECK <code>{withCheck}</code>
        </div>
      )}
    </>
  );
}
