SELECT load.some_order() AS no \gset
SELECT load.attempt('hold', format('SELECT usom.hold_order(%L, ''fraud'', ''load'')', ':no'));
SELECT load.attempt('release_hold', format('SELECT usom.release_hold(%L, ''fraud'', ''load'')', ':no'));
