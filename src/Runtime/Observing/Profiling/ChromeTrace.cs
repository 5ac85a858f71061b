using System.Diagnostics;
using System.Text.Json;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;

namespace Singa.Actors.Runtime.Observing.Profiling;

/// <summary>
/// A profile in the Trace Event Format that Chrome (chrome://tracing), Perfetto and others open: a track a device, on it one complete event
/// an execution, of category <c>kernel</c>, <c>exchange</c>, <c>copy</c> or <c>wait</c>, none overlapping. Exchanges in flight lie beside them as
/// asynchronous events. Times are microseconds from the first event.
/// </summary>
public static class ChromeTrace
{
    private const int Process = 1;
    private const int FlushBytes = 1 << 16;

    /// <param name="name">What was run.</param>
    /// <param name="frequency">Ticks a second of the executions' times.</param>
    public static void Write(TrainingProfile profile, string name, Stream target, long? frequency = null)
    {
        var tracks = profile.Tracks;
        long origin = tracks.SelectMany(t => t.Kept()).Select(e => e.Start).DefaultIfEmpty(0).Min();
        double nanoseconds = 1e9 / (frequency ?? Stopwatch.Frequency);
        using var json = new Utf8JsonWriter(target);
        json.WriteStartObject();
        json.WriteString("displayTimeUnit", "ms");
        json.WriteStartObject("otherData");
        json.WriteString("job", name);
        foreach (var track in tracks)
            json.WriteNumber($"executions of {track.Device} before those kept", Math.Max(0, track.Seen - track.Kept().LongCount()));
        json.WriteEndObject();
        json.WriteStartArray("traceEvents");
        Metadata(json, "process_name", 0, "name", $"singa {name}");
        for (int i = 0; i < tracks.Count; i++)
        {
            Metadata(json, "thread_name", i + 1, "name", tracks[i].Device);
            var writer = new TrackWriter(json, i + 1, tick => (long)Math.Round((tick - origin) * nanoseconds));
            foreach (var execution in tracks[i].Kept())
            {
                writer.Write(execution);
                if (json.BytesPending > FlushBytes)
                    json.Flush();
            }
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void Metadata(Utf8JsonWriter json, string what, int track, string key, string value)
    {
        json.WriteStartObject();
        json.WriteString("ph", "M");
        json.WriteString("name", what);
        json.WriteNumber("pid", Process);
        json.WriteNumber("tid", track);
        json.WriteStartObject("args");
        json.WriteString(key, value);
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private sealed class TrackWriter(Utf8JsonWriter json, int track, Func<long, long> nanosecond)
    {
        private readonly Dictionary<Operation, OperationFacts> facts = new(ReferenceEqualityComparer.Instance);

        public void Write(in Execution execution)
        {
            var (from, to) = (nanosecond(execution.Start), nanosecond(execution.End));
            switch (execution.Kind)
            {
                case ExecutionKind.Flight:
                    Flight(execution, "b", from);
                    Flight(execution, "e", to);
                    break;
                case ExecutionKind.PeerWait:
                    Plain(ProfileSummary.WaitForPeers, from, to);
                    break;
                case ExecutionKind.WorkWait:
                    Plain(ProfileSummary.WaitForWork, from, to);
                    break;
                case ExecutionKind.HandOff:
                    Plain(ProfileSummary.HandOff, from, to);
                    break;
                default:
                    Operation(execution, from, to);
                    break;
            }
        }

        private void Plain(string name, long from, long to)
        {
            Begin("X", "wait", name, from);
            Duration(from, to);
            json.WriteEndObject();
        }

        private void Operation(in Execution execution, long from, long to)
        {
            var section = execution.Plan!.Sections[execution.Section];
            var operation = section.Operations[execution.Operation];
            if (!facts.TryGetValue(operation, out var known))
                facts.Add(operation, known = OperationFacts.Of(section, operation));
            Begin("X", known.Phase switch { Phase.Exchange => "exchange", Phase.Copy => "copy", _ => "kernel" }, operation.Name, from);
            Duration(from, to);
            json.WriteStartObject("args");
            json.WriteString("op", known.Op);
            if (known.Layer.Length > 0)
                json.WriteString("layer", known.Layer);
            json.WriteString("phase", known.Phase.ToString().ToLowerInvariant());
            json.WriteString("section", section.Name);
            json.WriteNumber("step", execution.Tag);
            json.WriteNumber("bytes", known.Cost.Bytes);
            if (known.Cost.Flops > 0)
                json.WriteNumber("flops", known.Cost.Flops);
            json.WriteEndObject();
            json.WriteEndObject();
        }

        private void Flight(in Execution execution, string phase, long at)
        {
            var operation = execution.Plan!.Sections[execution.Section].Operations[execution.Operation];
            Begin(phase, "flight", operation.Name, at);
            json.WriteString("id", $"{track}/{execution.Tag}/{operation.Name}");
            json.WriteEndObject();
        }

        private void Begin(string phase, string category, string name, long at)
        {
            json.WriteStartObject();
            json.WriteString("ph", phase);
            json.WriteString("cat", category);
            json.WriteString("name", name);
            json.WriteNumber("pid", Process);
            json.WriteNumber("tid", track);
            json.WriteNumber("ts", at / 1000m);
        }

        private void Duration(long from, long to) => json.WriteNumber("dur", (to - from) / 1000m);
    }
}
