-- step 1
CREATE TRIGGER usom_order_inserted AFTER INSERT ON usom.sales_order REFERENCING NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._order_written();
CREATE TRIGGER usom_order_updated AFTER UPDATE ON usom.sales_order REFERENCING OLD TABLE AS older NEW TABLE AS newer
	FOR EACH STATEMENT EXECUTE FUNCTION usom._order_written();
ALTER TABLE usom.sales_order ENABLE ALWAYS TRIGGER usom_order_inserted, ENABLE ALWAYS TRIGGER usom_order_updated;

CREATE TRIGGER usom_switch_counter BEFORE UPDATE ON usom.document_counter
	FOR EACH ROW WHEN (OLD.gap_free IS DISTINCT FROM NEW.gap_free) EXECUTE FUNCTION usom.switch_counter();
