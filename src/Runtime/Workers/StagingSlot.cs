using System.Buffers.Binary;
using System.Collections.Immutable;
using Singa.Actors.Devices;
using Singa.Actors.Graph.Plans;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Workers;

/// <summary>
/// Host buffers of one batch. A slot belongs to the feeder while it is filled, to the device while it runs, to the worker while it
/// reads the sums; then it goes round again.
/// </summary>
internal sealed class StagingSlot
{
    private const int Alignment = 64;
    private const int ScalarBytes = 4;
    private const int SumsBytes = 3 * sizeof(float);

    private readonly Memory<byte> samples;
    private readonly Memory<byte> labels;
    private readonly Memory<byte> step;
    private readonly Memory<byte> scale;
    private readonly Memory<byte> sums;

    // The same few combinations come back with every step.
    private readonly Dictionary<int, ImmutableArray<SectionRun>> training = [];
    private readonly Dictionary<int, ImmutableArray<SectionRun>> evaluating = [];

    public StagingSlot(Memory<byte> memory, StagingSize size)
    {
        int at = 0;
        samples = Take(size.SamplesBytes);
        labels = Take(size.LabelsBytes);
        step = Take(ScalarBytes);
        scale = Take(ScalarBytes);
        sums = Take(SumsBytes);

        Memory<byte> Take(int bytes)
        {
            var taken = memory.Slice(at, bytes);
            at += Aligned(bytes);
            return taken;
        }
    }

    /// <summary>Room for the samples of the largest batch; aligned for elements of any type.</summary>
    public Span<byte> Samples => samples.Span;

    public Span<byte> Labels => labels.Span;

    /// <summary>Loss and counts of right answers, once the device has written them.</summary>
    public BatchSums Sums => new(Sum(0), Sum(1), Sum(2));

    public static int Bytes(StagingSize size) =>
        Aligned(size.SamplesBytes) + Aligned(size.LabelsBytes) + 2 * Aligned(ScalarBytes) + Aligned(SumsBytes);

    /// <summary>Sections of one step: gradients, exchange, update.</summary>
    public ImmutableArray<SectionRun> ForStep(PlanSections plan, int layout, long number, int batch)
    {
        BinaryPrimitives.WriteInt32LittleEndian(step.Span, checked((int)number));
        BinaryPrimitives.WriteSingleLittleEndian(scale.Span, 1f / batch);
        if (!training.TryGetValue(layout, out var runs))
        {
            training.Add(layout, runs =
            [
                Run(plan, plan.Gradients(layout), samples, labels, step),
                Run(plan, plan.Exchange(layout)),
                Run(plan, plan.Update, scale, sums),
            ]);
        }

        return runs;
    }

    /// <summary>The one section of a test batch.</summary>
    public ImmutableArray<SectionRun> ForEvaluation(PlanSections plan, int batch)
    {
        if (!evaluating.TryGetValue(batch, out var runs))
            evaluating.Add(batch, runs = [Run(plan, plan.Evaluate(batch), samples, labels, sums)]);
        return runs;
    }

    private float Sum(int index) => BinaryPrimitives.ReadSingleLittleEndian(sums.Span[(index * sizeof(float))..]);

    private static SectionRun Run(PlanSections plan, int section, params ReadOnlySpan<Memory<byte>> buffers)
    {
        var sizes = plan.HostSlots(section);
        var exact = ImmutableArray.CreateBuilder<Memory<byte>>(sizes.Length);
        for (int i = 0; i < sizes.Length; i++)
            exact.Add(buffers[i][..checked((int)sizes[i])]);
        return new SectionRun(section, exact.MoveToImmutable());
    }

    private static int Aligned(int bytes) => (bytes + Alignment - 1) / Alignment * Alignment;
}

/// <summary>What one slot must hold at most.</summary>
internal readonly record struct StagingSize(int SamplesBytes, int LabelsBytes)
{
    public static StagingSize Of(DataDescription data, int samples) => new(checked((int)(samples * data.Sample.Bytes)), checked((int)(samples * data.Label.Bytes)));
}

/// <summary>The numbers of a training plan's sections, by what they are for.</summary>
internal sealed class PlanSections(Plan plan)
{
    private readonly Dictionary<string, int> byName = plan.Sections.Select((s, i) => (s.Name, i)).ToDictionary(x => x.Name, x => x.i);

    public int Initialise => byName["initialise"];

    public int Update => byName["update"];

    public int Gradients(int layout) => byName[$"gradients/{layout}"];

    public int Exchange(int layout) => byName[$"exchange/{layout}"];

    public int Evaluate(int samples) => byName[$"evaluate/{samples}"];

    public ImmutableArray<long> HostSlots(int section) => plan.Sections[section].HostSlots;
}
