\set owner random(1, 20)
SELECT load.attempt('reserve', format('SELECT usom.reserve_stock(%L, ''A'', %L, 1, ''1 second'')', 'cart ' || :owner,
	'P' || 1 + floor(random() * 20)::integer));
