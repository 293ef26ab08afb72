import { Component, type ReactNode } from "react";

// Broken takes the place of a page that failed, such as one whose file a new release has removed.
export class Broken extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    if (!this.state.failed) return this.props.children;
    return (
      <div className="page narrow">
        <p className="alert" role="alert">
          This page could not be loaded.
        </p>
        <button type="button" className="button" onClick={() => location.reload()}>
          Load it again
        </button>
      </div>
    );
  }
}
