// What Grafana takes for a board: the types of its own package, of the release in compose.yaml.
import type { Dashboard, Panel, RowPanel } from "@grafana/schema";
import type { Options as Stat } from "@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen";
import type { Options as TimeSeries } from "@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen";

/** JSON has the words of an enum, not its members. */
type Json<T> = T extends string ? `${T}` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
/** What is left out of a panel's options has a default. */
type Some<T> = T extends object ? { [K in keyof T]?: Some<T[K]> } : T;
type PanelOf<Name, Options> = Json<Omit<Panel, "type" | "options">> & {
  type: Name;
  options: Some<Json<Options>>;
};

export type Board = Json<Omit<Dashboard, "panels">> & {
  panels: (PanelOf<"stat", Stat> | PanelOf<"timeseries", TimeSeries> | Json<RowPanel>)[];
};
