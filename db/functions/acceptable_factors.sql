-- Executed by: nobody
-- The kinds of factors, separated by a space, with which the viewer can go on if a sensitive action is refused: their first factors,
-- or their second factors if a first one was proved within p_seconds. A passkey can be both. p_accepts are the kinds that the service
-- can check, and the issuers of the identity providers that it can ask to authenticate a user again.
CREATE OR REPLACE FUNCTION app.acceptable_factors(p_seconds double precision, p_accepts text[]) RETURNS text
  LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
  SELECT COALESCE(string_agg(f.kind, ' ' ORDER BY f.place), '')
    FROM (VALUES (1, 'PASSWORD', true), (2, 'PASSKEY', true), (3, 'OAUTH', true), (4, 'EMAIL_CODE', true),
                 (5, 'TOTP', false), (6, 'RECOVERY_CODE', false), (7, 'PASSKEY', false)) f (place, kind, is_first)
   WHERE f.is_first <> (
           app.has_second_factor(app.viewer_id())
           AND EXISTS (SELECT FROM app.sessions s WHERE s.id = app.session_id() AND s.authenticated_at + make_interval(secs => p_seconds) > now()))
     AND CASE f.kind
           WHEN 'OAUTH' THEN EXISTS (SELECT FROM app.credentials k JOIN app.identities i ON i.credential_id = k.id
                                      WHERE k.user_id = app.viewer_id() AND i.issuer = ANY (p_accepts))
           WHEN 'RECOVERY_CODE' THEN EXISTS (SELECT FROM app.recovery_codes r WHERE r.user_id = app.viewer_id() AND r.used_at IS NULL)
           ELSE f.kind = ANY (p_accepts) AND EXISTS (SELECT FROM app.credentials k WHERE k.user_id = app.viewer_id() AND k.kind = f.kind)
         END
$$;
