import { useEffect } from 'react';
import { useEditorContext } from '@graphiql/react';

// Denials shows beside the result why fields in it were refused. The tab keeps the denials together with the result to which
// they belong, and shows them as long as it shows that result. viewers are the plain names of kinds of viewers.
export function Denials({ explainer, viewers }) {
  const { tabs, activeTabIndex, updateActiveTabValues, responseEditor } = useEditorContext();
  useEffect(() => explainer.listen((explained) => updateActiveTabValues({ explained })), [explainer, updateActiveTabValues]);

  const { id, response, explained } = tabs[activeTabIndex];
  const count = explained?.response === response ? explained.denials.length : 0;
  const fit = () => responseEditor?.refresh(); // the editor does not notice a new height
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
          <Denial key={i} {...denial} kinds={viewers} />
        ))}
      </ol>
    </details>
  );
}

function Denial({ path, field, code, layer, rule, viewer, policy, why, kinds }) {
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
              the field rule <code>{rule}</code> of {field}
            </>
          ) : (
            <>the row policy, which hides the row of {field}</>
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
            <dd>{[viewer.username ?? viewer.userId, kinds[viewer.kind] ?? viewer.kind, viewer.reason].filter(Boolean).join(', ')}</dd>
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
      {isBehind && admits === false && ', which also refuses'}
      {isBehind && admits === true && ', which would allow it'}
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
