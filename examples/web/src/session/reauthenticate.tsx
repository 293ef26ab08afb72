// Sensitive mutations need a recent proof of who the user is. If it is missing, a dialog asks for it, and then the mutation is sent again.
import { createContext, type ReactNode, useCallback, useContext, useEffect, useRef, useState } from "react";
import type { OperationResult } from "urql";
import { acceptableProofs } from "../client/errors";
import { Field } from "../forms/field";
import { Form } from "../forms/form";
import { useSubmit } from "../forms/submit";
import { graphql } from "../generated/gql";
import { ConfirmByMail } from "./confirm-by-mail";
import { ConfirmWithPasskey } from "./confirm-with-passkey";

const Reauthenticate = graphql(`
  mutation Reauthenticate($input: ReauthenticateInput!) {
    reauthenticate(input: $input) {
      user {
        id
        reauthenticatedUntil
      }
    }
  }
`);

type Run<Data> = () => Promise<OperationResult<Data>>;
type Confirm = <Data>(run: Run<Data>) => Promise<OperationResult<Data>>;
type Question = { proofs: string[]; answer: (proved: boolean) => void };

const Context = createContext<Confirm>((run) => run());

// useConfirmed returns a function that runs a mutation, and asks the user for what it needs first.
export const useConfirmed = (): Confirm => useContext(Context);

export function ReauthenticationProvider({ children }: { children: ReactNode }) {
  const [question, setQuestion] = useState<Question | null>(null);
  const confirm = useCallback<Confirm>(async (run) => {
    for (;;) {
      const result = await run();
      const proofs = acceptableProofs(result.error);
      if (!proofs) return result;
      const proved = await new Promise<boolean>((answer) => setQuestion({ proofs, answer }));
      setQuestion(null);
      if (!proved) return result;
    }
  }, []);
  return (
    <Context value={confirm}>
      {children}
      {question && <Dialog key={question.proofs.join()} {...question} />}
    </Context>
  );
}

function Dialog({ proofs, answer }: Question) {
  const dialog = useRef<HTMLDialogElement>(null);
  const done = () => answer(true);
  useEffect(() => dialog.current?.showModal(), []);
  const accepts = (proof: string) => proofs.includes(proof);
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby="confirm-title" onClose={() => answer(false)}>
      <h2 id="confirm-title">Confirm that it is you</h2>
      <p className="faint">You are about to change how your account is protected. It is some time since you last proved who you are.</p>
      {accepts("PASSWORD") && <ByPassword done={done} />}
      {accepts("TOTP") && <BySecondFactor done={done} />}
      {accepts("PASSKEY") && <ConfirmWithPasskey done={done} />}
      {accepts("EMAIL_CODE") && <ConfirmByMail done={done} />}
      <button type="button" className="button plain" onClick={() => dialog.current?.close()}>
        Cancel
      </button>
    </dialog>
  );
}

function ByPassword({ done }: { done: () => void }) {
  const { submit, ...form } = useSubmit(Reauthenticate);
  return (
    <Form {...form} onSubmit={async (input) => (await submit({ input })) && done()} action="Confirm">
      <Field name="password" label="Password" type="password" autoComplete="current-password" autoFocus />
    </Form>
  );
}

function BySecondFactor({ done }: { done: () => void }) {
  const [recovery, setRecovery] = useState(false);
  const { submit, ...form } = useSubmit(Reauthenticate);
  return (
    <Form {...form} onSubmit={async (input) => (await submit({ input })) && done()} action="Confirm">
      {recovery ? (
        <Field key="r" name="recoveryCode" label="Recovery code" autoComplete="off" autoFocus />
      ) : (
        <Field key="c" name="code" label="Code from your authenticator app" autoComplete="one-time-code" inputMode="numeric" autoFocus />
      )}
      <button type="button" className="link" onClick={() => setRecovery(!recovery)}>
        {recovery ? "Use the app instead" : "Use a recovery code instead"}
      </button>
    </Form>
  );
}

