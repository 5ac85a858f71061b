using System.Text;
using nietras.SeparatedValues;
using Singa.Actors.Runtime.Jobs;

namespace Singa.Actors.Runtime.Data.Tables;

/// <summary>Rows of a file of separated values in UTF-8, one after the other, with the line each begins in. Empty lines are no rows.</summary>
internal sealed class CsvFile : IDisposable
{
    private readonly StreamReader text;
    private readonly SepReader reader;
    private readonly Func<bool> move;
    private long nextLine = 1;

    /// <exception cref="JobRefusedException"/>
    public CsvFile(string path, char delimiter) : this(path, DataFile.Open(path), delimiter, leaveOpen: false)
    {
    }

    /// <param name="path">What the content is called.</param>
    /// <exception cref="JobRefusedException"/>
    public CsvFile(string path, Stream content, char delimiter, bool leaveOpen)
    {
        Path = path;
        text = new StreamReader(content, new UTF8Encoding(encoderShouldEmitUTF8Identifier: true, throwOnInvalidBytes: true), detectEncodingFromByteOrderMarks: false, leaveOpen: leaveOpen);
        try
        {
            reader = Refusing(() => new SepReaderOptions(new Sep(delimiter)) { HasHeader = false, Unescape = true, DisableColCountCheck = true }.From(text));
        }
        catch
        {
            text.Dispose();
            throw;
        }

        move = reader.MoveNext;
    }

    public string Path { get; }

    /// <summary>Of the current row, counted from 1.</summary>
    public long Line { get; private set; }

    public int Fields => reader.Current.ColCount;

    /// <summary>A field of the current row, without quotes and surrounding blanks. Gone when the next row is asked for.</summary>
    public ReadOnlySpan<char> this[int field] => reader.Current[field].Span.Trim();

    /// <summary>Goes to the next row, if there is one.</summary>
    /// <exception cref="JobRefusedException">It is not UTF-8, a quote is never closed, or a row is longer than anybody writes.</exception>
    public bool Next()
    {
        while (Refusing(move))
        {
            // The library's own number of a row's first line is not to be trusted in the first row.
            (Line, nextLine) = (nextLine, reader.Current.LineNumberToExcl);
            if (reader.Current.Span.Count('"') % 2 != 0)
                throw Refused("a quote is never closed; close or double it");
            if (Fields > 1 || this[0].Length > 0)
                return true;
        }

        return false;
    }

    /// <summary>Something is wrong in the current row.</summary>
    public JobRefusedException Refused(string what) => new($"{Path}, line {Line}: {what}");

    public void Dispose()
    {
        reader.Dispose();
        text.Dispose();
    }

    private T Refusing<T>(Func<T> read)
    {
        try
        {
            return read();
        }
        catch (DecoderFallbackException exception)
        {
            throw new JobRefusedException($"{Path} is not UTF-8, near line {nextLine}; convert it", exception);
        }
        catch (Exception exception) when (exception is NotSupportedException or InvalidDataException)
        {
            throw new JobRefusedException($"{Path}, line {nextLine}: the line is too long to be a row of a table; is it a file of separated values?", exception);
        }
        catch (IOException exception)
        {
            throw new JobRefusedException($"{Path} cannot be read: {exception.Message}", exception);
        }
    }
}
