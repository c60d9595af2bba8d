-- Fair shares of what is scarce (E23).
SELECT count(*) > 0 AS installed FROM usom.install();

-- a hundred units over three who want seventy, fifty and thirty, in boxes of five
SELECT * FROM usom.ration(100, '{70, 50, 30}', minimum => 5, multiple => 5);
-- nobody gets less when there is more
SELECT supply, array_agg(share ORDER BY ordinal) AS shares, sum(share) AS shared
FROM generate_series(0, 160, 20) AS s (supply), usom.ration(supply, '{70, 50, 30}', minimum => 5, multiple => 5)
GROUP BY supply ORDER BY supply;
-- nor where rounding by largest remainders would give the last one 2 of 10, but 1 of 11
SELECT supply, array_agg(share ORDER BY ordinal) AS shares
FROM generate_series(9, 12) AS s (supply), usom.ration(supply, '{6000, 6000, 2000}') GROUP BY supply ORDER BY supply;

-- the same for all, as far as they ask for it; by weight
SELECT * FROM usom.ration(100, '{70, 50, 30}', mode => 'equal');
SELECT * FROM usom.ration(100, '{20, 70, 50}', mode => 'equal');
SELECT * FROM usom.ration(100, '{70, 50, 30}', weights => '{3, 1, 1}', mode => 'weighted');
-- what is not cut to pieces can be shared exactly
SELECT * FROM usom.ration(100, '{70, 50, 30}', multiple => 0.000001);
SELECT sum(share) FROM usom.ration(99.999999, ARRAY(SELECT n FROM generate_series(1, 1000) n), multiple => 0.000001);
-- of equals the first is ahead, by a lot
SELECT * FROM usom.ration(7, '{5, 5, 5}');
-- demands that are no multiple are rounded down; less than the minimum is nothing
SELECT * FROM usom.ration(100, '{12, 7, 3}', multiple => 5);
SELECT * FROM usom.ration(10, '{9, 9, 9}', minimum => 4);
-- a group has a cap; what it may not have is for the others
SELECT * FROM usom.ration(100, '{70, 50, 30}', groups => '{web, web, shop}', caps => '{"web": 60}');
SELECT * FROM usom.ration(100, '{70, 50, 30}', groups => '{web, null, shop}', caps => '{"web": 10, "shop": 0, "none": 5}');
-- over rows of any kind
SELECT w.who, r.demand, r.share
FROM (VALUES (1, 'Ann', 30), (2, 'Ben', 60), (3, 'Cy', 10)) AS w (n, who, wants)
JOIN usom.ration(50, '{30, 60, 10}') r ON r.ordinal = w.n;
-- nothing to share, nobody to share it with, or more than enough
SELECT * FROM usom.ration(0, '{5}');
SELECT * FROM usom.ration(5, '{}');
SELECT * FROM usom.ration(NULL, '{5}');
SELECT * FROM usom.ration(999999999999.999999, '{5, 999999999999.999999}', multiple => 0.000001);

\set VERBOSITY terse
SELECT * FROM usom.ration(1, '{1}', mode => 'fair');
SELECT * FROM usom.ration(1, '{1}', mode => NULL);
SELECT * FROM usom.ration(-1, '{1}');
SELECT * FROM usom.ration(1, '{-1}');
SELECT * FROM usom.ration('NaN', '{1}');
SELECT * FROM usom.ration(1, '{NaN}');
SELECT * FROM usom.ration(1, '{1, NULL}');
SELECT * FROM usom.ration(1, '{{1, 1}}');
SELECT * FROM usom.ration(1, '{1}', multiple => 0);
SELECT * FROM usom.ration(1, '{1}', minimum => NULL);
SELECT * FROM usom.ration(1, '{1}', mode => 'weighted');
SELECT * FROM usom.ration(1, '{1}', weights => '{1}');
SELECT * FROM usom.ration(1, '{1, 1}', weights => '{1}', mode => 'weighted');
SELECT * FROM usom.ration(1, '{1, 1}', weights => '{1, 0}', mode => 'weighted');
SELECT * FROM usom.ration(1, '{1}', groups => '{a}');
SELECT * FROM usom.ration(1, '{1}', groups => '{a, b}', caps => '{}');
SELECT * FROM usom.ration(1, '{1}', groups => '{a}', caps => '[1]');
SELECT * FROM usom.ration(1, '{1}', groups => '{a}', caps => '{"a": "1"}');
SELECT * FROM usom.ration(1, '{1}', groups => '{a}', caps => '{"a": -1}');
SELECT * FROM usom.ration(1, '{1}', groups => '{a}', caps => '{"a": {"b": 1}}');
