CREATE INDEX `invoices_reply` ON `invoices` (`reply_to`);--> statement-breakpoint
CREATE INDEX `payouts_reply` ON `payouts` (`reply_to`);