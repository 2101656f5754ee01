CREATE TABLE `failing_addresses` (
	`owner` text NOT NULL,
	`destination` text NOT NULL,
	`since` integer NOT NULL,
	`last_at` integer NOT NULL,
	`failures` integer NOT NULL,
	`given_up_at` integer,
	PRIMARY KEY(`owner`, `destination`)
);
--> statement-breakpoint
INSERT INTO `failing_addresses` SELECT `pubkey`, `bad_destination`, 0, 0, 1, `created_at` FROM `customers` WHERE `bad_destination` IS NOT NULL;--> statement-breakpoint
ALTER TABLE `customers` DROP COLUMN `bad_destination`;--> statement-breakpoint
ALTER TABLE `customers` DROP COLUMN `failing_since`;