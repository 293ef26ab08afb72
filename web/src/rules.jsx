import { useEffect, useState } from 'react';
import { useEditorContext, useSchemaStore } from '@graphiql/react';
import { isAbstractType } from 'graphql';
import { fieldAt } from './document.js';

// loadRules returns the access matrix in words: by field, the rule and the viewers who get each answer.
export async function loadRules() {
  const response = await fetch('/playground/access.json');
  return response.json();
}

// Rules shows the rules of the field under the cursor of the editor, and who may read it.
export function Rules({ rules }) {
  const { queryEditor } = useEditorContext();
  const { schema } = useSchemaStore();
  const [field, setField] = useState(null);
  useEffect(() => {
    if (!queryEditor || !schema) {
      return undefined;
    }
    // While you type, the document may be invalid. The last field stays.
    const look = () => setField((last) => fieldAt(schema, queryEditor.documentAST, queryEditor.indexFromPos(queryEditor.getCursor())) ?? last);
    look();
    queryEditor.on('cursorActivity', look);
    queryEditor.on('change', look);
    return () => {
      queryEditor.off('cursorActivity', look);
      queryEditor.off('change', look);
    };
  }, [queryEditor, schema]);

  return (
    <section className="rule" aria-label="Rule of the field under the cursor" tabIndex={0}>
      {field ? (
        rulesOf(rules, schema, field).map((rule) => <Rule key={rule.title} {...rule} />)
      ) : (
        <p>Put the cursor on a field to see its rule, and who may read it.</p>
      )}
    </section>
  );
}

// rulesOf returns the rules of a field. Each type that has a field of an interface has a rule of its own.
function rulesOf(rules, schema, { parent, name }) {
  const types = isAbstractType(parent) ? schema.getPossibleTypes(parent) : [parent];
  const found = types.flatMap((type) => rules.fields[`${type.name}.${name}`] ?? []);
  return found.length > 0 ? found : [{ title: `${parent.name}.${name}`, groups: [] }];
}

function Rule({ title, rule, decidedBy = [], groups }) {
  return (
    <>
      <h2>
        <code>{title}</code> {rule ? <code className="directive">{rule}</code> : 'is part of GraphQL and has no rule'}
      </h2>
      {decidedBy.length > 0 && <p>decided by {listed(decidedBy)}</p>}
      <dl>
        {groups.map(({ answer, viewers }) => (
          <div key={answer}>
            <dt>{answer === 'value' ? (title.startsWith('Mutation.') ? 'may call it' : 'may read it') : answer}</dt>
            <dd>{viewers.join('; ')}</dd>
          </div>
        ))}
      </dl>
    </>
  );
}

function listed(names) {
  return names.length <= 3 ? names.join(', ') : `${names.slice(0, 3).join(', ')} and ${names.length - 3} others`;
}
