CALL usom.tick();
INSERT INTO load.outcome VALUES ('tick', '00000');
