import { Kind, parse, TypeInfo, visit, visitWithTypeInfo } from 'graphql';

// keepCurrent updates what GraphiQL knows about the document of its editor at once. GraphiQL does it 100 ms later, and runs the
// operation that it knows of: right after you change tabs, that of the tab before. It returns a function that ends it.
export function keepCurrent(editor) {
  const update = () => {
    const operations = operationsOf(editor);
    const names = operations?.map(({ name }) => name?.value) ?? [];
    editor.operations = operations;
    if (!names.includes(editor.operationName)) {
      editor.operationName = names[0] ?? null;
    }
  };
  editor.on('change', update);
  return () => editor.off('change', update);
}

// operationsOf parses the document of an editor. It returns null while the document is invalid.
function operationsOf(editor) {
  try {
    editor.documentAST = parse(editor.getValue());
  } catch {
    editor.documentAST = null;
    return null;
  }
  return editor.documentAST.definitions.filter(({ kind }) => kind === Kind.OPERATION_DEFINITION);
}

// fieldAt returns the innermost field around an index of a document: its name and the type that it belongs to. Outside of all
// fields, that is the first one. It returns null if the document has none.
export function fieldAt(schema, document, index) {
  const info = new TypeInfo(schema);
  let first = null;
  let inner = null;
  const Field = (node) => {
    const parent = info.getParentType();
    if (!parent || !info.getFieldDef()) {
      return;
    }
    const field = { parent, name: node.name.value };
    first ??= field;
    if (node.loc.start <= index && index <= node.loc.end) {
      inner = field;
    }
  };
  if (document) {
    visit(document, visitWithTypeInfo(info, { Field }));
  }
  return inner ?? first;
}
