CREATE TABLE `outages` (
	`id` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`why` text NOT NULL,
	`from_at` integer NOT NULL,
	`to_at` integer,
	CONSTRAINT "outages_forward" CHECK("outages"."to_at" IS NULL OR "outages"."to_at" >= "outages"."from_at")
);
--> statement-breakpoint
CREATE INDEX `outages_from` ON `outages` (`from_at`);