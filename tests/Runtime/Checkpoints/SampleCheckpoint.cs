using System.Collections.Immutable;
using Singa.Actors.Collective;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Training;
using Singa.Actors.Runtime.Checkpoints;
using Singa.Actors.Runtime.Coordination;
using Singa.Actors.Runtime.Models;
using Singa.Actors.Runtime.Scheduling;
using Singa.Actors.Runtime.Workers;

namespace Singa.Actors.Runtime.Tests.Checkpoints;

/// <summary>A small checkpoint with something of every kind in it.</summary>
internal static class SampleCheckpoint
{
    public static readonly JobIdentity Job = new(ImmutableSortedDictionary<string, string>.Empty.Add("model", "Linear { Outputs = 3 }").Add("seed", "1"));

    public static Checkpoint At(long step, SavedOutcome? outcome = null) => new(
        Job, new Generation(2), new JobState(step, Replica(step), new StoppingState(new TestFigures(0.1 + 0.2, null), step - 1, 1), Best(step)), new DataCursor(3, 8), outcome);

    public static SavedOutcome Outcome { get; } =
        new(new TestFigures(1 / 3.0, 0.75) { Perplexity = double.PositiveInfinity, Top = new TopAccuracy(5, 0.9) }, "sha256:ab", 123, 456, TimeSpan.FromMilliseconds(1234.5678), StoppedEarly: false);

    public static string Text(Checkpoint checkpoint) => string.Join('\n',
        checkpoint.Job.Parts.Select(p => $"{p.Key}={p.Value}")
            .Append($"{checkpoint.Generation} {checkpoint.State.Step} {checkpoint.Cursor} {checkpoint.State.Stopping} {checkpoint.Outcome}")
            .Concat(checkpoint.State.Replica.Values.Concat(checkpoint.State.Best!.Values).Select(v => $"{v.Kind} {v.Name} {v.Tensor.Type} {Convert.ToHexString(v.Tensor.Data.Span)}")));

    private static Replica Replica(long step) => new([
        Value(VariableKind.Parameter, "fc.bias", step, 3), Value(VariableKind.OptimizerState, "fc.bias/momentum", step + 1, 3),
        Value(VariableKind.Statistic, "norm.mean", step + 2, 5),
    ]);

    private static Replica Best(long step) => new([Value(VariableKind.Parameter, "fc.bias", step - 1, 3), Value(VariableKind.Statistic, "norm.mean", step, 5)]);

    private static ReplicaValue Value(VariableKind kind, string name, long first, int count) =>
        new(kind, new NamedTensor(name, new TensorType(DType.Float32, Shape.Of(count)), Enumerable.Range(0, count * sizeof(float)).Select(i => (byte)(first + i)).ToArray()));
}
