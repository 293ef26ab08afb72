-- Completes the accounts that signed up, and adds others.
UPDATE profiles p
   SET display_name = 'Name of ' || username, bio = bench.bio(n), visibility = bench.visibility(n), created_at = bench.created_at(n),
       birthday = bench.birthday(n), phone_number = bench.phone(n)
  FROM (SELECT user_id, bench.number(username) AS n FROM profiles) AS x
 WHERE x.user_id = p.user_id AND n <= bench.users();

CREATE TEMPORARY TABLE added AS
SELECT gen_random_uuid() AS user_id, n FROM bench.added() AS n;
INSERT INTO users (id, email, password_hash, created_at) SELECT user_id, bench.email(n), '', bench.created_at(n) FROM added;
INSERT INTO profiles (user_id, username, display_name, bio, visibility, created_at, birthday, phone_number)
SELECT user_id, bench.username(n), 'Name of ' || bench.username(n), bench.bio(n), bench.visibility(n), bench.created_at(n), bench.birthday(n),
       bench.phone(n)
  FROM added;
DROP TABLE added;
