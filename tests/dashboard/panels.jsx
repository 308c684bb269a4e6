/** The panels of the dashboard, drawn with Grafana's components. `PANELS` has them with their series. */
import { createTheme, dateTime, FieldColorModeId, FieldType, getDisplayProcessor, ThemeContext, toDataFrame } from '@grafana/data';
import { BigValue, BigValueColorMode, BigValueGraphMode, PanelChrome, TimeSeries } from '@grafana/ui';
import React from 'react';
import { createRoot } from 'react-dom/client';

const COLUMN = 50;
const ROW = 30;
const GAP = 8;
const theme = createTheme({ colors: { mode: 'light' } });

function Panel({ panel }) {
  const { x, y, w, h } = panel.gridPos;
  const Content = panel.type === 'stat' ? Stat : Lines;
  return (
    <div style={{ position: 'absolute', left: x * COLUMN + GAP / 2, top: y * ROW + GAP / 2 }}>
      <PanelChrome title={panel.title} width={w * COLUMN - GAP} height={h * ROW - GAP}>
        {(width, height) => <Content panel={panel} width={width} height={height} />}
      </PanelChrome>
    </div>
  );
}

/** One number: the last one of the first series. */
function Stat({ panel, width, height }) {
  const { unit, thresholds } = panel.fieldConfig.defaults;
  const steps = thresholds?.steps ?? [{ color: 'green' }];
  const config = {
    unit, decimals: 0, color: { mode: FieldColorModeId.Thresholds },
    thresholds: { mode: 'absolute', steps: steps.map((step, index) => (index === 0 ? { ...step, value: -Infinity } : step)) },
  };
  const display = getDisplayProcessor({ field: { name: '', type: FieldType.number, values: [], config }, theme });
  const value = display(Number(panel.series[0].values.at(-1)[1]));
  return <BigValue value={value} width={width} height={height} theme={theme} colorMode={BigValueColorMode.Value} graphMode={BigValueGraphMode.None} />;
}

/** Lines over time. */
function Lines({ panel, width, height }) {
  const { unit, min } = panel.fieldConfig.defaults;
  const frames = panel.series.map(({ name, values }, seriesIndex) => {
    const config = {
      displayName: name, unit, min, color: { mode: FieldColorModeId.PaletteClassic },
      custom: { drawStyle: 'line', lineWidth: 1, fillOpacity: 8, showPoints: 'never', spanNulls: true, axisPlacement: 'auto', scaleDistribution: { type: 'linear' } },
    };
    const frame = toDataFrame({
      fields: [
        { name: 'Time', type: FieldType.time, values: values.map(([time]) => time * 1000) },
        { name, type: FieldType.number, values: values.map(([, value]) => (value === 'NaN' ? null : Number(value))), config },
      ],
    });
    for (const field of frame.fields) {
      field.state = { seriesIndex, displayName: field.config.displayName };
      field.display = getDisplayProcessor({ field, theme });
    }
    return frame;
  });
  if (frames.length === 0) return <div>No data</div>;
  const times = frames.flatMap(({ fields }) => fields[0].values);
  const [from, to] = [dateTime(Math.min(...times)), dateTime(Math.max(...times))];
  const legend = { displayMode: 'list', placement: 'bottom', calcs: [], showLegend: true };
  return (
    <TimeSeries
      frames={frames} structureRev={1} timeRange={{ from, to, raw: { from, to } }} timeZone="utc" width={width} height={height}
      legend={legend} options={{ legend, tooltip: { mode: 'none' } }}
    />
  );
}

const panels = window.PANELS;
const height = Math.max(...panels.map(({ gridPos: { y, h } }) => (y + h) * ROW));
const { background, text } = theme.colors;
createRoot(document.getElementById('root')).render(
  <ThemeContext.Provider value={theme}>
    <div style={{ position: 'relative', width: 24 * COLUMN, height, background: background.canvas, color: text.primary, fontFamily: theme.typography.fontFamily, fontSize: 14 }}>
      {panels.map((panel) => <Panel key={panel.id} panel={panel} />)}
    </div>
  </ThemeContext.Provider>,
);
