using System.Text.Json;

namespace Singa.Actors.Runtime.Observing;

/// <summary>
/// One JSON object a line and step: <c>step, epoch, loss, samples_per_s, step_ms</c>, <c>perplexity</c> for text, and where there are some
/// <c>test_loss</c>, <c>test_accuracy</c> and <c>test_top_accuracy</c> (0 to 1), <c>test_perplexity</c> and <c>digest</c>; of a step that was
/// interrupted <c>shards_computed</c> and <c>shards_reused</c>. Scripts read it.
/// </summary>
public sealed class MetricsWriter(Stream target) : IDisposable
{
    private readonly JsonLines lines = new(target);

    public void Write(TrainingProgress progress) => lines.Write(json =>
    {
        json.WriteNumber("step", progress.Step);
        json.WriteNumber("epoch", progress.Epoch);
        json.WriteNumber("loss", progress.Loss);
        WriteKnown(json, "perplexity", progress.Perplexity);
        json.WriteNumber("samples_per_s", Math.Round(progress.SamplesPerSecond, 3));
        json.WriteNumber("step_ms", Math.Round(progress.StepTime.TotalMilliseconds, 6));
        if (progress.Test is { } test)
        {
            WriteLoss(json, test.Loss);
            WriteKnown(json, "test_accuracy", test.Accuracy);
            WriteKnown(json, "test_top_accuracy", test.Top?.Share);
            WriteKnown(json, "test_perplexity", test.Perplexity);
        }

        if (progress.Digest is not null)
            json.WriteString("digest", progress.Digest);
        if (!progress.Shards.WasInterrupted)
            return;
        json.WriteNumber("shards_computed", progress.Shards.Computed);
        json.WriteNumber("shards_reused", progress.Shards.Reused);
    });

    public void Dispose() => lines.Dispose();

    private static void WriteKnown(Utf8JsonWriter json, string name, double? value)
    {
        if (value is { } known && double.IsFinite(known))
            json.WriteNumber(name, known);
    }

    /// <summary>Of a model that has run away the loss may be no number, which JSON does not have.</summary>
    private static void WriteLoss(Utf8JsonWriter json, double loss)
    {
        if (double.IsFinite(loss))
            json.WriteNumber("test_loss", loss);
        else
            json.WriteNull("test_loss");
    }
}

/// <summary>One JSON object a line and committed shard: <c>epoch, step, shard, samples, worker, generation</c>.</summary>
public sealed class LedgerWriter(Stream target) : IDisposable
{
    private readonly JsonLines lines = new(target);

    public void Write(TrainingProgress progress)
    {
        foreach (var shard in progress.Committed)
        {
            lines.Add(json =>
            {
                json.WriteNumber("epoch", shard.Epoch);
                json.WriteNumber("step", shard.Step);
                json.WriteNumber("shard", shard.Shard);
                json.WriteStartArray("samples");
                foreach (long sample in shard.Samples)
                    json.WriteNumberValue(sample);
                json.WriteEndArray();
                json.WriteString("worker", shard.Worker);
                json.WriteNumber("generation", shard.Generation);
            });
        }

        lines.Flush();
    }

    public void Dispose() => lines.Dispose();
}

/// <summary>Objects, one a line, handed on when they are whole, those of one step together: whoever follows the file sees no half line.</summary>
internal sealed class JsonLines(Stream target) : IDisposable
{
    private readonly MemoryStream lines = new();
    private Utf8JsonWriter? writer;

    public void Write(Action<Utf8JsonWriter> content)
    {
        Add(content);
        Flush();
    }

    public void Add(Action<Utf8JsonWriter> content)
    {
        (writer ??= new Utf8JsonWriter(lines)).Reset(lines);
        writer.WriteStartObject();
        content(writer);
        writer.WriteEndObject();
        writer.Flush();
        lines.WriteByte((byte)'\n');
    }

    public void Flush()
    {
        target.Write(lines.GetBuffer().AsSpan(0, (int)lines.Length));
        target.Flush();
        lines.SetLength(0);
    }

    public void Dispose()
    {
        writer?.Dispose();
        lines.Dispose();
        target.Dispose();
    }
}
