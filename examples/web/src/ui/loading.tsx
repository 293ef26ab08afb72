// Loading appears after a moment, so that it does not flicker when the answer is quick.
export function Loading({ label = "Loading" }: { label?: string }) {
  return (
    <div className="loading" role="status">
      <span className="visually-hidden">{label}…</span>
      <span className="spinner" aria-hidden="true" />
    </div>
  );
}
