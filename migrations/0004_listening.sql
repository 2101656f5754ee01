CREATE TABLE `dropped_wraps` (
	`seq` integer PRIMARY KEY AUTOINCREMENT NOT NULL,
	`id` text NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX `dropped_wraps_id` ON `dropped_wraps` (`id`);--> statement-breakpoint
CREATE TABLE `relay_states` (
	`url` text PRIMARY KEY NOT NULL,
	`state` text NOT NULL,
	`since` integer NOT NULL,
	`synced_at` integer,
	`failures` integer DEFAULT 0 NOT NULL
);
