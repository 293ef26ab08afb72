-- Accounts and profiles as PostGraphile's documentation recommends them: the API is schema public, secrets are in another schema,
-- the server's role becomes the visitor's role for each request, and row policies read the claims of the token.

CREATE SCHEMA secret;
CREATE EXTENSION pgcrypto WITH SCHEMA secret;
GRANT USAGE ON SCHEMA public TO bench_visitor;

CREATE TYPE public.jwt_token AS (role text, user_id uuid, exp bigint);

CREATE FUNCTION public.current_user_id() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT NULLIF(current_setting('jwt.claims.user_id', true), '')::uuid $$;

CREATE TABLE public.users (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  email text NOT NULL UNIQUE,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE public.profiles (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  user_id uuid NOT NULL UNIQUE REFERENCES public.users ON DELETE CASCADE,
  username text NOT NULL UNIQUE,
  display_name text,
  bio text,
  visibility text NOT NULL DEFAULT 'PRIVATE' CHECK (visibility IN ('PRIVATE', 'MEMBERS', 'PUBLIC')),
  created_at timestamptz NOT NULL DEFAULT now(),
  updated_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX profiles_created_at ON public.profiles (created_at);

-- The owner-only fields have a table of their own, since a row policy decides about whole rows.
CREATE TABLE public.profile_private (
  user_id uuid PRIMARY KEY REFERENCES public.profiles (user_id) ON DELETE CASCADE,
  birthday date,
  phone_number text
);

CREATE TABLE secret.credentials (
  user_id uuid PRIMARY KEY REFERENCES public.users ON DELETE CASCADE,
  password_hash text NOT NULL
);

ALTER TABLE public.users ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.profiles ENABLE ROW LEVEL SECURITY;
ALTER TABLE public.profile_private ENABLE ROW LEVEL SECURITY;

CREATE POLICY own ON public.users FOR SELECT USING (id = public.current_user_id());
CREATE POLICY seen ON public.profiles FOR SELECT
  USING (visibility = 'PUBLIC' OR user_id = public.current_user_id() OR (visibility = 'MEMBERS' AND public.current_user_id() IS NOT NULL));
CREATE POLICY own ON public.profiles FOR UPDATE USING (user_id = public.current_user_id());
CREATE POLICY own ON public.profile_private USING (user_id = public.current_user_id());

GRANT SELECT ON public.users, public.profiles, public.profile_private TO bench_visitor;
GRANT UPDATE (display_name, bio, visibility) ON public.profiles TO bench_visitor;
GRANT UPDATE (birthday, phone_number) ON public.profile_private TO bench_visitor;

CREATE FUNCTION public.me() RETURNS public.users LANGUAGE sql STABLE
  AS $$ SELECT * FROM public.users WHERE id = public.current_user_id() $$;

CREATE FUNCTION secret.touch() RETURNS trigger LANGUAGE plpgsql
  AS $$ BEGIN NEW.updated_at := now(); RETURN NEW; END $$;
CREATE TRIGGER touch BEFORE UPDATE ON public.profiles FOR EACH ROW EXECUTE FUNCTION secret.touch();

CREATE FUNCTION secret.token_of(id uuid) RETURNS public.jwt_token LANGUAGE sql STABLE
  AS $$ SELECT 'bench_visitor', id, extract(epoch FROM now() + interval '2 hours')::bigint $$;

CREATE FUNCTION public.sign_up(email text, password text, username text) RETURNS public.jwt_token
  LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  id uuid;
BEGIN
  INSERT INTO public.users AS u (email) VALUES (lower(sign_up.email)) RETURNING u.id INTO id;
  INSERT INTO secret.credentials VALUES (id, secret.crypt(password, secret.gen_salt('bf', 10)));
  INSERT INTO public.profiles (user_id, username) VALUES (id, sign_up.username);
  INSERT INTO public.profile_private (user_id) VALUES (id);
  RETURN secret.token_of(id);
END $$;

CREATE FUNCTION public.sign_in(email text, password text) RETURNS public.jwt_token
  LANGUAGE plpgsql STRICT SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
DECLARE
  found secret.credentials;
BEGIN
  SELECT c.* INTO found FROM secret.credentials c JOIN public.users u ON u.id = c.user_id WHERE u.email = lower(sign_in.email);
  IF found.password_hash = secret.crypt(password, found.password_hash) THEN
    RETURN secret.token_of(found.user_id);
  END IF;
  RETURN NULL;
END $$;
