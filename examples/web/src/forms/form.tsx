import { createContext, type FormEvent, type ReactNode, type RefObject, useContext, useEffect } from "react";
import { type FormErrors, noErrors } from "../client/errors";

const Errors = createContext<FormErrors["fields"]>({});
export const useFieldErrors = (): FormErrors["fields"] => useContext(Errors);

type Props = {
  element?: RefObject<HTMLFormElement | null>;
  pending?: boolean;
  errors?: FormErrors;
  onSubmit: (input: any) => unknown;
  action: string; // on the button
  danger?: boolean;
  secondary?: boolean;
  done?: string; // what has happened, or ""
  children?: ReactNode;
};

// Form collects the values of its fields by their names. The service checks them, so that there is one set of rules.
export function Form({ element, pending = false, errors = noErrors, onSubmit, action, danger, secondary, done, children }: Props) {
  useEffect(() => {
    const form = element?.current;
    if (errors === noErrors || !form) return;
    form.querySelector<HTMLElement>('[aria-invalid="true"], [role="alert"]')?.focus();
  }, [errors, element]);

  function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    if (!pending) void onSubmit(values(event.currentTarget));
  }
  return (
    <form ref={element} className="form" onSubmit={send} noValidate>
      <Errors value={errors.fields}>{children}</Errors>
      {errors.message && (
        <p className="alert" role="alert" tabIndex={-1}>
          {errors.message}
        </p>
      )}
      <div className="actions">
        <button type="submit" className={danger ? "button danger" : secondary ? "button secondary" : "button"} aria-disabled={pending}>
          {pending ? "One moment…" : action}
        </button>
        <span role="status" className="done">
          {done}
        </span>
      </div>
    </form>
  );
}

// values returns the values of a form as an input: `profile.bio` is the member bio of the member profile.
function values(form: HTMLFormElement): object {
  const input: Record<string, unknown> = {};
  for (const [name, value] of new FormData(form)) {
    const path = name.split(".");
    const last = path.pop() as string;
    let target = input;
    for (const part of path) target = (target[part] ??= {}) as Record<string, unknown>;
    target[last] = value;
  }
  return input;
}
