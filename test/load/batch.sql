SELECT load.attempt('batch', format('SELECT * FROM usom.place_orders(%L)',
	(SELECT jsonb_agg(load.document()) FROM generate_series(1, 5))));
