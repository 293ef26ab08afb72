// Takes the place of react-style-singleton, through which GraphiQL's dialogs would inject a <style> that keeps the page
// behind them from scrolling. This page never scrolls, and its Content-Security-Policy forbids injected styles.
export const styleSingleton = () => () => null;
