SELECT load.attempt('adjust', format('SELECT usom.adjust_stock(%L, %L, %s, ''load'')',
	(ARRAY['A', 'B', 'C'])[1 + floor(random() * 3)], 'P' || 1 + floor(random() * 20)::integer, (ARRAY[-1, 1])[1 + floor(random() * 2)]));
