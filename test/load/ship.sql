SELECT load.some_order() AS no \gset
SELECT load.attempt('release', format('SELECT usom.release_order(%L)', ':no'));
SELECT load.attempt('ship', format('SELECT usom.ship(%L)', ':no'));
