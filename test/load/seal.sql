SELECT load.attempt('seal', 'SELECT * FROM usom.seal_audit()');
INSERT INTO load.digest SELECT d FROM usom.export_digest() AS d WHERE (d->>'blocks')::integer > 0;
