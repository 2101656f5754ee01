-- The books guard themselves: whatever the program does, a posted row stays as it is, the totals follow the rows, and
-- an overdraft is refused (the CHECK of `accounts` fires inside the trigger and undoes the whole transaction).
CREATE TRIGGER transfers_move_totals AFTER INSERT ON transfers BEGIN
  UPDATE accounts SET debits = debits + NEW.amount_msats WHERE id = NEW.debit;
  UPDATE accounts SET credits = credits + NEW.amount_msats WHERE id = NEW.credit;
END;
--> statement-breakpoint
CREATE TRIGGER transfers_are_never_updated BEFORE UPDATE ON transfers BEGIN
  SELECT RAISE(ABORT, 'transfers are never updated');
END;
--> statement-breakpoint
CREATE TRIGGER transfers_are_never_deleted BEFORE DELETE ON transfers BEGIN
  SELECT RAISE(ABORT, 'transfers are never deleted');
END;
--> statement-breakpoint
CREATE TRIGGER accounts_are_never_deleted BEFORE DELETE ON accounts BEGIN
  SELECT RAISE(ABORT, 'accounts are never deleted');
END;
--> statement-breakpoint
CREATE TRIGGER accounts_keep_their_kind BEFORE UPDATE OF id, kind ON accounts BEGIN
  SELECT RAISE(ABORT, 'an account keeps its name and kind');
END;
--> statement-breakpoint
-- A paid invoice stays paid, with its amount: nobody can un-pay it, or take its receipt twice.
CREATE TRIGGER invoices_stay_paid BEFORE UPDATE OF state, paid_at, paid_msats, payment_hash, amount_sats ON invoices
WHEN OLD.state = 'paid' BEGIN
  SELECT RAISE(ABORT, 'a paid invoice stays paid');
END;
--> statement-breakpoint
-- One hash is one attempt for ever, and a proven outcome is final.
CREATE TRIGGER payouts_end_once BEFORE UPDATE OF state ON payouts WHEN OLD.state IN ('paid', 'dead') BEGIN
  SELECT RAISE(ABORT, 'a proven outcome is final');
END;
