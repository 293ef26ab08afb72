-- What all servers' accounts have in common, by number: the first ones sign up and are in use. Settings of the session say which ones to
-- add (bench.first, bench.last), and whether others hide almost all of theirs (bench.hidden).
CREATE SCHEMA bench;
GRANT USAGE ON SCHEMA bench TO PUBLIC;
CREATE FUNCTION bench.users() RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT 200 $$;
CREATE FUNCTION bench.added() RETURNS SETOF int LANGUAGE sql STABLE
  AS $$ SELECT generate_series(current_setting('bench.first')::int, current_setting('bench.last')::int) $$;
CREATE FUNCTION bench.number(username text) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT substring(username FROM '^user([0-9]+)$')::int $$;
CREATE FUNCTION bench.username(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'user' || lpad(n::text, 7, '0') $$;
CREATE FUNCTION bench.email(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT bench.username(n) || '@example.org' $$;
CREATE FUNCTION bench.bio(n int) RETURNS text LANGUAGE sql IMMUTABLE
  AS $$ SELECT 'I am number ' || n || '. I read, I walk, I cook, and now and then I write a line such as this one about it.' $$;
CREATE FUNCTION bench.birthday(n int) RETURNS date LANGUAGE sql IMMUTABLE AS $$ SELECT date '1980-01-01' + n % 7000 $$;
CREATE FUNCTION bench.phone(n int) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT '+4930' || lpad(n::text, 7, '0') $$;

-- The first 50 are a page. If almost all are hidden, those that are seen are older than all that are not, which is the worst case.
CREATE FUNCTION bench.visibility(n int) RETURNS text LANGUAGE sql STABLE
  AS $$ SELECT CASE WHEN n <= 50 OR current_setting('bench.hidden') = 'off' OR n > bench.users() AND n % 100 = 0 THEN 'PUBLIC' ELSE 'PRIVATE' END $$;
CREATE FUNCTION bench.created_at(n int) RETURNS timestamptz LANGUAGE sql STABLE
  AS $$ SELECT now() - CASE bench.visibility(n) WHEN 'PUBLIC' THEN interval '1 day' + n * interval '1 second' ELSE n * interval '1 millisecond' END $$;
