DROP INDEX `seen_wraps_age`;--> statement-breakpoint
ALTER TABLE `seen_wraps` ADD `worthless` integer DEFAULT false NOT NULL;--> statement-breakpoint
CREATE INDEX `seen_wraps_age` ON `seen_wraps` (`worthless`,`at`);