// createExplainer returns a GraphiQL fetcher around another one. It asks the service to explain refused fields, and removes
// the explanations from the response. Listeners get them, with the text that GraphiQL shows for the rest.
export function createExplainer(fetcher) {
  const listeners = new Set();
  let asked = 0;

  async function explaining(operation, options) {
    if (operation.operationName === 'IntrospectionQuery') { // GraphiQL's own, which it does not show
      return fetcher(operation, options);
    }
    const turn = ++asked;
    const answer = await fetcher({ ...operation, extensions: { ...operation.extensions, explain: true } }, options);
    const { denials, shown } = split(answer);
    if (turn === asked) { // GraphiQL shows only the response to the last request
      listeners.forEach((listener) => listener({ response: JSON.stringify(shown, null, 2), denials }));
    }
    return shown;
  }

  return {
    fetcher: explaining,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function split(answer) {
  const { extensions, ...shown } = answer;
  const { denials, ...others } = extensions ?? {};
  if (Object.keys(others).length > 0) {
    shown.extensions = others;
  }
  return { denials: denials ?? [], shown };
}
