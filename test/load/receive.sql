SELECT load.attempt('receive', format('SELECT usom.receive_stock(%L, %L, %s)',
	(ARRAY['A', 'B', 'C'])[1 + floor(random() * 3)], 'P' || 1 + floor(random() * 20)::integer, 5 + floor(random() * 10)));
