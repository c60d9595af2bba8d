BEGIN;
SELECT load.attempt('rolled back', format('SELECT usom.place_order(%L)', load.document()));
ROLLBACK;
