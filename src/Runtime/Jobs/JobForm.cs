using System.Buffers.Binary;
using System.Text;
using Singa.Actors.Collective;
using Singa.Actors.Graph;
using Singa.Actors.Graph.Onnx;
using Singa.Actors.Graph.Onnx.Export;
using Singa.Actors.Graph.Onnx.Import;
using Singa.Actors.Runtime.Data;

namespace Singa.Actors.Runtime.Jobs;

/// <summary>
/// A job as it travels: its model as an ONNX file, everything else as HOCON. Whoever has both and the data can train it without any of the
/// code it was written in. Known by what it holds.
/// </summary>
public sealed class JobForm
{
    private JobForm(ReadOnlyMemory<byte> model, string settings) => (Model, Settings) = (model, settings);

    /// <summary>An ONNX model: see <see cref="ModelWriter.Untrained"/>.</summary>
    public ReadOnlyMemory<byte> Model { get; }

    /// <summary>HOCON: <c>name</c>, and <c>job { … }</c> as a job's file has it but for the model.</summary>
    public string Settings { get; }

    /// <summary><c>sha256:…</c> over both: the model's length as 64 bits, little-endian, the model, the settings in UTF-8.</summary>
    public string Id => Blob.NameOf(ToBytes());

    /// <summary>As it travels: what <see cref="Id"/> is the hash of.</summary>
    public byte[] ToBytes()
    {
        var settings = Encoding.UTF8.GetBytes(Settings);
        var bytes = new byte[sizeof(long) + Model.Length + settings.Length];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, Model.Length);
        Model.Span.CopyTo(bytes.AsSpan(sizeof(long)));
        settings.CopyTo(bytes, sizeof(long) + Model.Length);
        return bytes;
    }

    /// <exception cref="JobRefusedException">It is no job's form.</exception>
    public static JobForm Of(ReadOnlyMemory<byte> bytes)
    {
        long model = bytes.Length < sizeof(long) ? -1 : BinaryPrimitives.ReadInt64LittleEndian(bytes.Span);
        if (model < 0 || model > bytes.Length - sizeof(long))
            throw new JobRefusedException("what has arrived is no job");
        return new JobForm(bytes.Slice(sizeof(long), (int)model), Encoding.UTF8.GetString(bytes.Span[(sizeof(long) + (int)model)..]));
    }

    /// <param name="data">What the job's data was found to be.</param>
    /// <exception cref="JobRefusedException">Something of the job lives in code and cannot be written down; it is named.</exception>
    public static JobForm Write(TrainingJob job, DataDescription data)
    {
        string settings = JobWriter.Write(job);
        return Refusing(() => new JobForm(OnnxFile.Write(ModelWriter.Untrained(job.Model, data.Sample, job.Seed, JobSizes.Of(job, data).Traced)), settings));
    }

    /// <summary>From what has arrived.</summary>
    public static JobForm Of(ReadOnlyMemory<byte> model, string settings) => new(model, settings);

    /// <summary>The job again, from these bytes alone.</summary>
    /// <exception cref="JobRefusedException">They are no job.</exception>
    public TrainingJob Read() => Refusing(() => JobReader.ReadForm(Settings, new OnnxModule(OnnxModel.Read(Model))));

    /// <summary>Whether what was read is the very job that was written, for every number of samples it has.</summary>
    /// <exception cref="JobRefusedException">It is not; the layer that did not survive is named.</exception>
    public static void Check(TrainingJob written, TrainingJob read, DataDescription data)
    {
        if (written with { Model = read.Model, Data = read.Data } is var same && same != read)
            throw new JobRefusedException($"the job does not survive being written down: {same} came back as {read}");
        var sizes = JobSizes.Of(written, data);
        Refusing(() =>
        {
            Journey.Check(written.Model, read.Model, data.Sample, written.Seed, sizes.Training, sizes.Tests);
            return true;
        });
    }

    private static T Refusing<T>(Func<T> act)
    {
        try
        {
            return act();
        }
        catch (Exception e) when (e is GraphException or OnnxException or OnnxUnsupportedException)
        {
            throw new JobRefusedException(e.Message, e);
        }
    }
}
