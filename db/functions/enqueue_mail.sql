-- Executed by: freehold_app
-- Puts a mail into the outbox, to be sent after p_after_seconds at the earliest. Without p_valid_seconds it never expires. A
-- withheld mail is written like any other, so that both take equally long, but it is parked at once.
CREATE OR REPLACE FUNCTION app.enqueue_mail(p_id uuid, p_kind text, p_user_id uuid, p_recipient text, p_code_id uuid, p_data jsonb,
                                            p_valid_seconds double precision, p_after_seconds double precision, p_withheld boolean)
  RETURNS void
  LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  INSERT INTO app.outbox (id, kind, user_id, recipient, code_id, data, expires_at, next_attempt_at, parked_at, last_error)
  VALUES (p_id, p_kind, p_user_id, p_recipient, p_code_id, p_data, now() + make_interval(secs => p_valid_seconds),
          now() + make_interval(secs => p_after_seconds),
          CASE WHEN p_withheld THEN now() END, CASE WHEN p_withheld THEN 'withheld' END)
$$;
