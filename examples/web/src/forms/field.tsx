import { type ComponentProps, type ReactNode, useId } from "react";
import { useFieldErrors } from "./form";

type Common = { name: string; label: string; hint?: ReactNode; badge?: ReactNode };

function useWiring(name: string, hint: ReactNode) {
  const id = useId();
  const error = useFieldErrors()[name];
  const describedBy = [error && `${id}-error`, hint && `${id}-hint`].filter(Boolean).join(" ") || undefined;
  return { id, error, control: { id, name, "aria-invalid": Boolean(error), "aria-describedby": describedBy } };
}

type FrameProps = Common & { id: string; error: string | undefined; children: ReactNode };

function Frame({ id, label, hint, badge, error, children }: FrameProps) {
  return (
    <div className="field">
      <div className="field-head">
        <label htmlFor={id}>{label}</label>
        {badge}
      </div>
      {children}
      {error && (
        <p className="field-error" id={`${id}-error`}>
          {error}
        </p>
      )}
      {hint && (
        <p className="hint" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

// Field is a labelled input with its error and its hint.
export function Field({ label, hint, badge, ...input }: Common & ComponentProps<"input">) {
  const { id, error, control } = useWiring(input.name, hint);
  return (
    <Frame {...{ id, name: input.name, label, hint, badge, error }}>
      <input {...input} {...control} />
    </Frame>
  );
}

export function TextArea({ label, hint, badge, ...input }: Common & ComponentProps<"textarea">) {
  const { id, error, control } = useWiring(input.name, hint);
  return (
    <Frame {...{ id, name: input.name, label, hint, badge, error }}>
      <textarea {...input} {...control} />
    </Frame>
  );
}

export function Select({ label, hint, badge, children, ...input }: Common & ComponentProps<"select">) {
  const { id, error, control } = useWiring(input.name, hint);
  return (
    <Frame {...{ id, name: input.name, label, hint, badge, error }}>
      <select {...input} {...control}>
        {children}
      </select>
    </Frame>
  );
}
