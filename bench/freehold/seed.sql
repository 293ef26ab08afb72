-- Completes the accounts that signed up, and adds others, as freehold's own role of migrations.
UPDATE app.profiles p
   SET display_name = 'Name of ' || username, bio = bench.bio(n), visibility = bench.visibility(n), created_at = bench.created_at(n)
  FROM (SELECT user_id, bench.number(username) AS n FROM app.profiles) AS x
 WHERE x.user_id = p.user_id AND n <= bench.users();
UPDATE app.profile_private p SET birthday = bench.birthday(n), phone_number = bench.phone(n)
  FROM (SELECT user_id, bench.number(username) AS n FROM app.profiles) AS x
 WHERE x.user_id = p.user_id AND n <= bench.users();

CREATE TEMPORARY TABLE added AS
SELECT gen_random_uuid() AS user_id, n FROM bench.added() AS n;
INSERT INTO app.users (id, created_at) SELECT user_id, bench.created_at(n) FROM added;
INSERT INTO app.user_private (user_id, email, email_key) SELECT user_id, bench.email(n), bench.email(n) FROM added;
INSERT INTO app.accounts (user_id, password_hash) SELECT user_id, '' FROM added;
INSERT INTO app.profiles (id, user_id, username, username_key, display_name, bio, visibility, created_at)
SELECT gen_random_uuid(), user_id, bench.username(n), bench.username(n), 'Name of ' || bench.username(n), bench.bio(n), bench.visibility(n),
       bench.created_at(n)
  FROM added;
INSERT INTO app.profile_private (user_id, birthday, phone_number) SELECT user_id, bench.birthday(n), bench.phone(n) FROM added;
DROP TABLE added;
