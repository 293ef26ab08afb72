-- Executed by: freehold_owner
-- Created: before the tables
-- The trigger that keeps an organisation from becoming a part of itself. It locks all organisations of the owner, so that no two
-- changes make a cycle together.
CREATE OR REPLACE FUNCTION app.refuse_organisation_cycle() RETURNS trigger
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
  AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended('organisations ' || NEW.user_id, 0));
  IF EXISTS (WITH RECURSIVE above (id, parent_id) AS (
               SELECT o.id, o.parent_id FROM app.organisations o WHERE o.id = NEW.parent_id
               UNION
               SELECT o.id, o.parent_id FROM above a JOIN app.organisations o ON o.id = a.parent_id)
             SELECT FROM above WHERE above.id = NEW.id) THEN
    RAISE EXCEPTION 'the organisation would be a part of itself' USING ERRCODE = 'check_violation', CONSTRAINT = 'organisations_cycle';
  END IF;
  RETURN NEW;
END
$$;
